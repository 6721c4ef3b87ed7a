"""Recurrent language models: Hawk (De et al. 2024, arXiv 2402.19427) and the LSTM (Hochreiter & Schmidhuber 1997)."""
