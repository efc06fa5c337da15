#: outcome exit 44
import os

os._exit(44)
