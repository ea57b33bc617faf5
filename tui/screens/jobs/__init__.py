"""The Jobs screens: the list, one job, compared runs."""
