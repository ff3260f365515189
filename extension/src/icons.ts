import { LabIcon } from '@jupyterlab/ui-components';

import mlnbSvg from '../style/icons/mlnb.svg';

export const mlnbIcon = new LabIcon({ name: 'mlnb:icon', svgstr: mlnbSvg });
