"""Drives two trees with one sequence and compares them after every operation."""

import os
import random

from support import volume_checks
from support.actors import Troupe
from support.sequence import Sequence


_ON_OPEN_FILES = {"open", "write", "pwrite", "ftruncate", "fallocate", "fchmod", "map_write",
                  "copy"}


class Differs(AssertionError):
    pass


class Known:
    """A difference that is right: when it applies, and why."""

    def __init__(self, reason, applies):
        self.reason = reason
        self.applies = applies  # (operation, arguments, reference outcome, our outcome) -> bool
        self.seen = 0


class Parity:
    """reference and tested are folders that start out empty.

    avoid: (user, operation, arguments) -> whether not to try this, where a known difference
    would leave two different trees behind."""

    def __init__(self, reference, tested, seed, known=(), avoid=None):
        self._avoid = avoid
        self._known = list(known)
        self._trees = [Troupe(reference), Troupe(tested)]
        self._roots = [reference, tested]
        self._sequence = Sequence(seed)
        self._history = []
        self._look = random.Random(seed)
        self.done = {}  # operation -> how often it succeeded

    def close(self):
        for tree in self._trees:
            tree.close()

    def run(self, count):
        for number in range(count):
            self._step(number)

    def _step(self, number):
        user, operation, arguments = self._sequence.next()
        while self._avoid and self._avoid(user, operation, arguments):
            user, operation, arguments = self._sequence.next()
        for tree in self._trees:
            tree.begin(user, operation, arguments)
        reference, tested = [tree.finish(user) for tree in self._trees]
        self._history.append((number, user, operation, arguments, reference[0]))
        if reference[0] == "ok":
            self.done[operation] = self.done.get(operation, 0) + 1
        if reference != tested and not self._is_known(operation, arguments, reference, tested):
            raise Differs(f"operation {number}: {_short((user, operation, arguments))}\n"
                          f"  reference: {_short(reference)}\n"
                          f"  tested:    {_short(tested)}\nafter\n{self._recent()}")
        self._sequence.happened(operation, arguments, reference)
        # A look at once, at times: names the operation that went wrong, and not always, so that
        # what nobody looked at for long is met too.
        if self._look.random() < 0.5:
            self._look_again(number, user, operation, arguments)

    def _look_again(self, number, user, operation, arguments):
        for argument in arguments[:2]:
            if isinstance(argument, bytes):
                looks = [("root", "lstat", (argument,))]
            elif operation in _ON_OPEN_FILES and argument is arguments[0]:
                looks = [(user, "fstat", (argument,))]
            else:
                continue
            for who, name, what in looks:
                reference, tested = [tree(who, name, *what) for tree in self._trees]
                self._history.append((number, who, name, what, reference[0]))
                if reference != tested and not self._is_known(name, what, reference, tested):
                    raise Differs(f"after operation {number}: "
                                  f"{_short((user, operation, arguments))}\n {name} {what}\n"
                                  f"  reference: {reference}\n  tested:    {tested}\n"
                                  f"after\n{self._recent()}")

    def _recent(self):
        return "\n".join(map(_short, self._history[-12:]))

    def _is_known(self, *what):
        for known in self._known:
            if known.applies(*what):
                known.seen += 1
                return True
        return False

    def close_files(self):
        """Closes every open file on both sides."""
        from support.operations import SLOTS
        from support.actors import USERS
        for tree in self._trees:
            for user in USERS:
                for slot in range(SLOTS):
                    tree(user, "close", slot)

    def compare_trees(self, tested=None):
        """The whole of both: names, contents, modes, owners, links, xattrs, times set by hand."""
        left, right = [everything(root) for root in (self._roots[0], tested or self._roots[1])]
        wrong = volume_checks.differences(left, right)
        if wrong:
            raise Differs("the trees differ:\n" + "\n".join(wrong))
        return len(left)


def everything(root):
    """tree() and the extended attributes and the times that were set by hand."""
    from support.operations import SET_BY_HAND_BEFORE
    found = volume_checks.tree(root)
    root = os.fsencode(root)
    for name, entry in found.items():
        path = os.path.join(root, name)
        seen = os.lstat(path)
        xattrs = {n: os.getxattr(path, n, follow_symlinks=False)
                  for n in os.listxattr(path, follow_symlinks=False)}
        by_hand = seen.st_mtime_ns if seen.st_mtime_ns < SET_BY_HAND_BEFORE * 10**9 else "now"
        found[name] = (*entry, seen.st_rdev, xattrs, by_hand)
    return found


def _short(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."
