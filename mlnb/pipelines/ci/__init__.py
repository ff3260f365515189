"""A project's CI: the files written once, and the check that they still match the pipeline."""

from mlnb.pipelines.ci.checking import CiCheck as CiCheck
from mlnb.pipelines.ci.checking import check as check
from mlnb.pipelines.ci.checking import failure as failure
from mlnb.pipelines.ci.initialising import init as init
