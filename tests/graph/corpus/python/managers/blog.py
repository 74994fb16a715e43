from django.db import models


class PostQuerySet(models.QuerySet):
    def published(self):
        return self.filter(draft=False)

    def recent(self):
        return self.order_by("-day")


class PlainManager(models.Manager):
    def special(self):
        return self.get_queryset()


class NamedManager(models.Manager.from_queryset(PostQuerySet)):
    def more(self):
        return self.published()
        #           ^^^^^^^^^ calls blog.PostQuerySet.published by self


class Post(models.Model):
    objects = PostQuerySet.as_manager()

    def shown(self):
        pass


class Page(models.Model):
    objects = PlainManager.from_queryset(PostQuerySet)()


class Note(models.Model):
    objects = PlainManager()

    def shown(self):
        pass


class Book(models.Model):
    objects = NamedManager()


class Leaf(models.Model):
    objects = models.Manager()

    def shown(self):
        pass


Made = type("Made", (PlainManager,), {})


def use():
    Post.objects.published().recent()
    #            ^^^^^^^^^ calls blog.PostQuerySet.published
    #                        ^^^^^^ calls blog.PostQuerySet.recent
    Post.objects.filter(a=1).published().get().shown()
    #            ^^^^^^ calls outside django.db.models.QuerySet.filter
    #                        ^^^^^^^^^ calls blog.PostQuerySet.published
    #                                          ^^^^^ calls blog.Post.shown
    Page.objects.published()
    #            ^^^^^^^^^ calls blog.PostQuerySet.published
    Page.objects.special()
    #            ^^^^^^^ calls blog.PlainManager.special
    Note.objects.special()
    #            ^^^^^^^ calls blog.PlainManager.special
    Note.objects.get(pk=1).shown()
    #                      ^^^^^ calls blog.Note.shown
    Leaf.objects.first().shown()
    #                    ^^^^^ calls blog.Leaf.shown
    Book.objects.more()
    #            ^^^^ calls blog.NamedManager.more
    Book.objects.published()
    #            ^^^^^^^^^ calls blog.PostQuerySet.published
    Book.objects.nothing()
    #            ^^^^^^^ calls outside django.db.models.QuerySet.nothing
    Made().special()
    #      ^^^^^^^ calls blog.PlainManager.special
