"Four planted faults of bench/diagnosis.py, on digits: their cause is the first or second finding; a healthy run raises no alarm"
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.diagnosis import diagnosed, faults, same

@pytest.mark.parametrize('name', ['rate_low', 'labels_shuffled', 'frozen_body', 'class_missing'])
def test_planted(name):
    cause,change = faults[name]
    assert cause in diagnosed('digits', change, 7)[0][:2]

def test_healthy(): assert diagnosed('digits', same, 7)[0]==[]
