"""A machine-learning pipeline of four steps for tables in CSV files: preprocess, train, evaluate, deploy.

One module a step. Between the steps data lies in blobs below a prefix of the run's own (work.py); nothing else is shared.
Copy the package and change what is yours: the model is in train.py, what a column becomes is in features.py.
"""

__version__ = "0.1.0"
