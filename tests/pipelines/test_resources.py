"""What a step uses over time: its own, its children's and the GPUs'."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from tilth.pipelines import resources
from tilth.pipelines.graphics_cards import GraphicsCards, Load
from tilth.pipelines.resources import Meter

MB = 1_000_000


def burn(seconds: float) -> None:
    """Use that much CPU."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1_000))


def test_own_cpu_and_the_peak_of_memory_are_measured() -> None:
    with Meter() as meter:
        burn(0.3)
        held = bytearray(150 * MB)
        while len(meter._samples) < 3:  # the pauses are 0.1, 0.2, 0.4 s
            time.sleep(0.05)
        del held
    used = meter.usage()
    assert 0.3 <= used.cpu_s <= used.wall_s * 8
    assert used.peak_memory_mb >= used.samples[0].memory_mb + 140
    times = [sample.at_s for sample in used.samples]
    assert times == sorted(times)
    assert times[-1] == used.wall_s
    assert [s.cpu_s for s in used.samples] == sorted(s.cpu_s for s in used.samples)


def test_children_count() -> None:
    busy = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    code = f"held = bytearray(200_000_000); {busy}"
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", code], check=True)
    used = meter.usage()
    assert used.cpu_s >= 0.45
    assert used.peak_memory_mb >= 200


def test_a_peak_between_two_samples_is_known_where_it_is_the_highest_so_far() -> None:
    code = (
        "from tilth.pipelines.resources import Meter\n"
        "with Meter() as meter:\n"
        "    meter._stopping.set(); meter._thread.join(); meter._stopping.clear()\n"
        "    held = bytearray(300_000_000); del held\n"
        "print(meter.usage().peak_memory_mb, max(s.memory_mb for s in meter.usage().samples))\n"
    )
    held = bytearray(500 * MB)  # the peak of who starts it is not its own
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    del held
    peak, sampled = map(float, done.stdout.split())
    assert peak >= 300
    assert sampled < 300


def test_what_fails_is_measured_too_and_no_thread_stays() -> None:
    with pytest.raises(ValueError, match="mine"), Meter() as meter:
        raise ValueError("mine")
    assert meter.usage().wall_s >= 0
    assert not [thread for thread in threading.enumerate() if thread.name == "tilth-meter"]
    assert Meter().usage().samples == (resources.Sample(0.0, 0.0, 0.0),)


def test_work_of_days_has_a_few_hundred_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_MOST_SAMPLES", 10)
    monkeypatch.setattr(resources, "_FIRST_S", 0.001)
    monkeypatch.setattr(resources, "_PAUSE_S", 0.001)
    with Meter() as meter:
        time.sleep(0.5)
    used = meter.usage()
    assert 5 <= len(used.samples) <= 11
    assert used.samples[0].at_s < 0.1
    assert used.samples[-1].at_s == used.wall_s


class Driver:
    """NVML as it answers for two GPUs, the second half busy."""

    def __init__(self, status: int = 0) -> None:
        self.status = status

    def nvmlInit_v2(self) -> int:  # noqa: N802 - its name
        return self.status

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802 - its name
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: ctypes.c_uint, device: Any) -> int:  # noqa: N802 - its name
        device._obj.value = 100 + index.value
        return 0

    def nvmlDeviceGetName(self, device: ctypes.c_void_p, text: Any, size: ctypes.c_uint) -> int:  # noqa: N802 - its name
        text.value = f"GPU {device.value}".encode()[: size.value]
        return 0

    def nvmlDeviceGetMemoryInfo(self, device: ctypes.c_void_p, memory: Any) -> int:  # noqa: N802 - its name
        memory._obj.total, memory._obj.used = 80 * 10**9, 10**9 * ((device.value or 0) - 99)
        return self.status

    def nvmlDeviceGetUtilizationRates(self, device: ctypes.c_void_p, rates: Any) -> int:  # noqa: N802 - its name
        rates._obj.gpu = 50 * ((device.value or 0) - 100)
        return 0


def test_the_gpus_that_the_process_may_use_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    cards = GraphicsCards.find(lambda _: Driver())
    assert cards is not None
    assert cards.names() == ["GPU 100", "GPU 101"]
    assert cards.load() == Load(0.25, 3000.0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    one = GraphicsCards.find(lambda _: Driver())
    assert one is not None
    assert one.load() == Load(0.5, 2000.0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert GraphicsCards.find(lambda _: Driver()) is None


def test_a_driver_that_does_not_answer_is_no_gpu() -> None:
    assert GraphicsCards.find(lambda _: Driver(status=9)) is None
    assert GraphicsCards.find(lambda _: object()) is None  # one of long ago, without these functions
    silent = Driver(status=9)
    assert GraphicsCards(silent, [ctypes.c_void_p(100)]).load() is None


def test_the_gpus_are_part_of_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    cards = GraphicsCards.find(lambda _: Driver())
    monkeypatch.setattr(resources, "graphics_cards", lambda: cards)
    with Meter() as meter:
        pass
    used = meter.usage()
    assert (used.gpu_share, used.peak_gpu_memory_mb) == (0.25, 3000.0)
    assert used.samples[-1][3:] == (0.25, 3000.0)
