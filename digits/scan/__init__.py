"""From any picture of handwritten digits to images like those of MNIST.

"Ink" as an array is the share of the background's light that ink takes, 0 to 1, whether it is
darker or lighter than its background.  Lengths are pixels of the working size unless said
otherwise.
"""
