"""What is asked of replay and of paths. Written before anything of this chapter was evaluated.

How the ledger's words are taken, and what is asked beside it:

all        no number where the line's testbed has no models of such accuracy. Several networks make
           one number: the largest (or smallest) of them, each interval at a level at which all hold
           together.
A31        right answers of the old head on test images of the old set, at the end of training. The
           share kept is that divided by what the pretrained network had.
A32        effective robustness with replay minus that without: at the end of both; and at equal
           accuracy, at the replaying network's last checkpoint of an accuracy that the other one
           passed, less the testbed's half-width there.
A33        the same of last layers: at the end against a fresh head, at equal accuracy against the
           mapped head without replay.
A path     no claim of the paper. Its chosen point is, of those whose mean ID accuracy is at most
           `COST` below that of the trained end, the one nearest to the pretrained end. What it
           gains is its effective robustness minus that of training stopped early, at equal
           accuracy. Where training never was as accurate, its end is what it is compared with. A
           gain counts if its whole interval lies above 0.
Controls   replay of shuffled labels keeps a smaller share of the old accuracy than true replay. A
           path of equal length in a random direction gains no ID accuracy: at its best point at
           most `COST` above its start.
"""

#: ID accuracy that a chosen point of a path may cost
COST = 0.01
