"""The requests of `turnout demo`: written for this project, or grown in code from blocks written for it.

Promises: the same requests in the same order on every machine, both dialects and plain prompts, bodies that are valid,
sizes from nothing to a megabyte. Refuses an unknown key in its data files. Text from other people is not welcome here.
"""

from .build import demo_requests, kinds
from .request import DemoRequest

__all__ = ["DemoRequest", "demo_requests", "kinds"]
