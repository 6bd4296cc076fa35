"""The programme of zero loss and least norm on any dataset, and polishing trained models towards it."""

#: A dropped point is at most this long, in median lengths; points of a regular polygon are all 1 long.
DROPPED_LENGTH = 0.5
#: ... and has at least this squared error; a point that is reconstructed has about 0, one that is forgotten at most 1.
DROPPED_ERROR = 0.1
