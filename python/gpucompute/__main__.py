"""`python -m gpucompute`."""
from gpucompute._cli import main

raise SystemExit(main())
