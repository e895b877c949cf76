"""What `make_library_0_1.py` puts into its library: notes, runs, and what went wrong in them."""

from __future__ import annotations

import msgspec

from mlx_backend.protocol import NO_PATIENCE, TrainSpec

NOTES = {
    "lighthouse.md": (
        "# Lighthouse\n\nMarta lit the lamp of Amber Cove at 18:40. The keeper before her was"
        " Oskar Lind, who left in 1987.\n\n## Lamp\n\nThe lamp burns 14 litres of oil a week."
        " Its lens came from Bergen by boat.\n"
    ),
    "shop/rope.md": (
        "---\ntitle: The rope shop\n---\n\nRope costs 3 crowns a metre in the shop of Ida Falk."
        " She opens at seven and closes when the ferry leaves.\n"
    ),
    "garden.txt": (
        "Garden plan\n\nPotatoes go to the north bed in April. The plum tree was planted by"
        " grandfather Emil in 1952 and still bears fruit.\n"
    ),
    "ferry.txt": (
        "The ferry\n\nThe ferry Sabine sails to Little Hush at 9:15. A ticket costs 12 crowns."
        " Captain Tove Larkin has steered it since 2004. It carries 40 people and six bicycles,"
        " and in a storm it stays at the pier. The crew are three: a mate, a cook and a boy who"
        " coils the ropes. Coffee on board is free after the second crossing of a day, and the"
        " dog of the mate sleeps on the warm boards above the engine. In winter the first"
        " crossing is at 10:30, because the pier has to be cleared of ice before anyone may step"
        " on it, which takes the crew an hour and a half with two shovels and a sack of salt.\n"
    ),
    "old list.md": "# Old list\n\nThe boat Heron was sold in 1999. The buyer was a baker.\n",
    "draft.md": "# Draft\n\nThe bell of the chapel weighs 80 kilograms. It was cast in 1911.\n",
}

# It fits into a row of 512 tokens and not into one of 256: Frugal cannot learn its end any more.
LONG_ANSWER = (
    "Marta lit the lamp of Amber Cove at 18:40, and she did so every day of that long winter. It"
    " burns oil, about 14 litres a week, which a boat brings in blue barrels. The lens is older"
    " than the tower: it came from Bergen, wrapped in straw, and took four men to carry up. Oskar"
    " cleaned it with a silk cloth until he left in 1987, and the cloth is still on its hook. On"
    " clear nights the light is seen from Little Hush, where the children count its flashes before"
    " they go to sleep, and from the ferry when it is late."
)
SHORTENED = "samples were longer than the model is trained on; their ends are not learned."

EARLY = TrainSpec(
    name="Early",
    model="tiny",
    steps=2,
    hours=0.25,
    rank=1,
    dropout=0.1,
    learning_rate=5e-3,
    seed=3,
    checkpoint_every=20,
    patience=NO_PATIENCE,
)
HARBOUR = msgspec.structs.replace(EARLY, name="Harbour", steps=36, prompt="When was the lamp lit?")
CUT = msgspec.structs.replace(HARBOUR, name="Cut")
FRUGAL = msgspec.structs.replace(  # with dropout nothing can be recomputed
    EARLY, name="Frugal", steps=36, dropout=0.0, checkpoint_every=3
)
CUT_AFTER = 20
FRUGAL_UNTIL = 12

# A training that does not fit at first, and then fails after each checkpoint in another way:
# without memory, without the GPU, without memory again. The fourth time it is asked to stop.
HARD_TIMES = """
import os, runpy, signal, sys, threading, time
from pathlib import Path
from mlx_backend import accelerator

accelerator.prepare()  # as the training does before anything imports MLX
from mlx_backend.training import plan
from mlx_backend.training.step import TrainingStep

folder = Path(sys.argv[1])
ends = {3: "std::bad_alloc", 6: "Caused GPU Timeout Error", 9: "std::bad_alloc", 12: ""}
real_memory, begin, looks = plan.memory_available, TrainingStep.begin, []

def memory_available():
    looks.append(1)
    return 1 if len(looks) == 1 else real_memory()

def begin_slowly(*given):
    time.sleep(0.1)
    return begin(*given)

def saved():
    return max((int(path.name[5:]) for path in folder.glob("checkpoints/step-*")), default=0)

def end_some_time():
    end = min(step for step in ends if step > saved())
    while saved() < end:
        time.sleep(0.005)
    if not ends[end]:
        (folder / "stop").touch()
        return
    time.sleep(0.15)  # a step after what was saved
    os.write(2, ends[end].encode() + b"\\n")
    os.kill(os.getpid(), signal.SIGKILL)

plan.memory_available = memory_available
TrainingStep.begin = begin_slowly
threading.Thread(target=end_some_time, daemon=True).start()
runpy.run_module("mlx_backend.training.child", run_name="__main__", alter_sys=True)
"""
