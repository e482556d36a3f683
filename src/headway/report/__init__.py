"""Pictures of a run; arrays in, `matplotlib.figure.Figure` out, and no global state.

attention   where the heads look: one square picture per epoch, one full map per run
attention_groups  what each lag receives by hour, season, series or error
attention_epochs  how attention came to be what it is
attention_window  one window beside the values it attends to
attention_comparison  the heads of two runs beside each other
attention_frame   what these pictures share
importance  the rise of the error when a feature or a lag is permuted, beside attention
deletion    the error as steps are deleted, most attended first
heads       entropy, distance and likeness of heads
footer      a verdict below a picture, and axes of relative rises
fan         a fan of forecast quantiles
forecasts   chosen windows: context, actuals, and the fan of forecast quantiles
skill       error and skill by horizon step beside the rivals
calibration reliability, probability integral transform and coverage of the quantiles
slices      error and coverage by series, hour, month, or what a feature was
backtest    error and coverage by origin
training    learning curves
sweep       trials of a sweep beside each other, over time, by epoch, by two scores
sweep_parameters  importance and parallel coordinates of what a sweep varied
sweep_frame what these pictures share
png         any of these figures as bytes
svg         any of these figures as SVG, light and dark
page        the report of a run as one HTML file
style       the one look: colours, type, frames
offsets     steps of the clock as offsets that a person reads
shapes      the check of every array that enters
"""
