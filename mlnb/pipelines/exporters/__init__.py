"""Pipelines as the files of other systems: CI, Kubeflow Pipelines, DVC, Kubernetes.

`options` is what the user says, `features` refuses what a target cannot express, `workflow` is the
pipeline as all targets see it, and each target is a module that writes it; `exporting` puts them
together.
"""

from mlnb.pipelines.exporters.exporting import Exported as Exported
from mlnb.pipelines.exporters.exporting import export as export
from mlnb.pipelines.exporters.exporting import render as render
from mlnb.pipelines.exporters.options import TARGETS as TARGETS
from mlnb.pipelines.exporters.options import Options as Options
