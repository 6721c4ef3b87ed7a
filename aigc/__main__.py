"""``python -m aigc``."""

import sys

from aigc.main import main

sys.exit(main())
