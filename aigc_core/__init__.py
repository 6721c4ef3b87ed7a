"""Generators: GAN, VAE and RNN, from layer to loss to sample.

Legend of the shape suffixes used throughout: ``B`` batch, ``T`` time, ``V`` vocabulary, ``D`` width of a
recurrent layer, ``S`` size of a flat recurrent state, ``C`` channels, ``H``/``W`` height and width of a picture,
``Z`` latent dimension, ``N`` any number of items. ``x_BCHW`` is a batch of pictures in [-1, 1] unless said otherwise.
"""

__version__ = "0.1.0"
