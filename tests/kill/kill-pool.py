#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""kill.py on a host whose hypervisor keeps claims in a pool."""
import os
import sys

KILL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kill.py")
os.execv(sys.executable, [sys.executable, KILL, "--pool"])
