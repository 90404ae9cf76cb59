"""How fast this code is: measured beside what people use otherwise, and compared with before.

    nbcore bench knn dominance --quick

A benchmark calls ours and the peer in turn within one process, so that whatever else the machine
does slows both; what counts is the ratio of a round, its median and its range. The results of both
are compared too: a fast wrong answer is no answer. `catalog` lists the benchmarks, `kept` writes
them down and says what got slower.
"""
