"""The device side: a Celery worker whose jobs share one engine thread, which alone touches the device."""
