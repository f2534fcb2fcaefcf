"""Operations that meet on the wire, in every order, and whether a serial order explains what came of it."""
