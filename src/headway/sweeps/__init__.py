"""Sweeps: many trainings with one parent run. The only place that knows Optuna.

A sweep is a study of trials in a storage that outlives every process. The sweeper asks it for trials and hands them to a launcher;
each job claims its trial, reports every epoch, and tells the study itself how it ended, so that no kill loses a result.
"""
