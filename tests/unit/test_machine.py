"""What a machine says of its processor."""

from tamis.machine import processor


def test_a_processor_is_told_by_name_and_numbers():
    intel = "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Xeon\nstepping\t: 8\nprocessor\t: 1\nmodel\t: 9\n"
    assert processor(intel) == "Xeon, cpu family 6, model 143, stepping 8"
    arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n\nHardware\t: x\nModel\t\t: Board\n"
    assert processor(arm) == "Board, CPU implementer 0x41, CPU part 0xd40"
    assert processor("") == ""
