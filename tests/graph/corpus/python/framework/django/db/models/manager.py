class Manager:
    def get_queryset(self):
        return []
