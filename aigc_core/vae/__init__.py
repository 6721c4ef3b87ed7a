"""Variational autoencoders: Kingma & Welling 2014 (arXiv 1312.6114), conditional form of Sohn et al. 2015."""
