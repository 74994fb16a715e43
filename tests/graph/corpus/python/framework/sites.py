from django.db import models


class SiteManager(models.Manager):
    def current(self):
        return self.get_queryset()
        #           ^^^^^^^^^^^^ calls django.db.models.manager.Manager.get_queryset


class Site(models.Model):
    objects = SiteManager()

    def shown(self):
        pass


def use():
    Site.objects.current()
    #            ^^^^^^^ calls sites.SiteManager.current
    Site.objects.get(pk=1).shown()
    #                      ^^^^^ calls sites.Site.shown
