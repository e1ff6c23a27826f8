"""Imported first by the fork server, and by nothing else: the server ends with the suite that started it."""

import os

from simmim_eval.launch.leash import SUITE, end_with_parent

PID = os.getpid()  # as its children know it

end_with_parent(int(os.environ[SUITE]))
