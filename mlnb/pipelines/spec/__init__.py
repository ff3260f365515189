"""The pipeline file: models, reading with one clear error each, checks, needs.

`models` say what there may be, `reading` makes one of a file, `checking` finds what is wrong
between its parts, `data` and `graph` what its steps hand on to one another.
"""

from mlnb.pipelines.spec.graph import ancestors as ancestors
from mlnb.pipelines.spec.graph import needs as needs
from mlnb.pipelines.spec.graph import order as order
from mlnb.pipelines.spec.models import Kind as Kind
from mlnb.pipelines.spec.models import Pipeline as Pipeline
from mlnb.pipelines.spec.models import Step as Step
from mlnb.pipelines.spec.models import TriggerRule as TriggerRule
from mlnb.pipelines.spec.parts import Foreach as Foreach
from mlnb.pipelines.spec.parts import Matrix as Matrix
from mlnb.pipelines.spec.parts import Notification as Notification
from mlnb.pipelines.spec.parts import Parameter as Parameter
from mlnb.pipelines.spec.parts import Retries as Retries
from mlnb.pipelines.spec.parts import Schedule as Schedule
from mlnb.pipelines.spec.reading import FILE_NAMES as FILE_NAMES
from mlnb.pipelines.spec.reading import find as find
from mlnb.pipelines.spec.reading import load as load
from mlnb.pipelines.spec.reading import parse as parse
from mlnb.pipelines.spec.reading import parse_mapping as parse_mapping
