"""The project's settings; where the database is, the environment says."""

import os
from urllib.parse import unquote, urlsplit


def database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": parts.hostname,
        "PORT": parts.port,
        "NAME": parts.path[1:],
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": {"connect_timeout": 5, "options": "-c statement_timeout=5s", "tcp_user_timeout": 5000},
    }


SECRET_KEY = os.environ.get("SECRET_KEY", "for development only")
INSTALLED_APPS = ["library"]
DATABASES = {"default": database(os.environ.get("DATABASE_URL", "postgresql://localhost/library"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
