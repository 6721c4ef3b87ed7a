"""Generative adversarial networks: Goodfellow et al. 2014 (arXiv 1406.2661) and R3GAN, Huang et al. 2024 (arXiv 2501.05441)."""
