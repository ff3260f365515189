import { LabIcon } from '@jupyterlab/ui-components';

import datasetSvg from '../style/icons/dataset.svg';
import endpointSvg from '../style/icons/endpoint.svg';
import fitSvg from '../style/icons/fit.svg';
import lineageSvg from '../style/icons/lineage.svg';
import minusSvg from '../style/icons/minus.svg';
import mlnbSvg from '../style/icons/mlnb.svg';
import modelSvg from '../style/icons/model.svg';

const icon = (name: string, svgstr: string): LabIcon =>
  new LabIcon({ name: `mlnb:${name}`, svgstr });

export const mlnbIcon = icon('icon', mlnbSvg);
export const datasetIcon = icon('dataset', datasetSvg);
export const endpointIcon = icon('endpoint', endpointSvg);
export const fitIcon = icon('fit', fitSvg);
export const lineageIcon = icon('lineage', lineageSvg);
export const minusIcon = icon('minus', minusSvg);
export const modelIcon = icon('model', modelSvg);
