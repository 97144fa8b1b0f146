"""A mounted ConfigMap, in the kubelet's exact order. In: the folder, and the files of the next generation. Out: that generation."""

import os
import pathlib
import shutil
import tempfile


def swap(mount, files):
    """A new directory, `..data` renamed over, links of new keys, no links of old ones, and the old directory goes."""
    mount = pathlib.Path(mount)
    old = os.readlink(mount / "..data") if (mount / "..data").is_symlink() else None
    generation = pathlib.Path(tempfile.mkdtemp(prefix="..", dir=mount))
    generation.chmod(0o755)
    for name, text in files.items():
        (generation / name).write_text(text)
    (mount / "..data_tmp").symlink_to(generation.name)
    (mount / "..data_tmp").rename(mount / "..data")
    links = {link.name for link in mount.iterdir() if not link.name.startswith("..")}
    for name in files.keys() - links:
        (mount / name).symlink_to(f"..data/{name}")
    for name in links - files.keys():
        (mount / name).unlink()
    if old:
        shutil.rmtree(mount / old)
