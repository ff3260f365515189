/** mlnb in JupyterLab: the list of plugins. */

import { documentsPlugin } from './documents/plugin';
import { executedPlugin } from './executed/plugin';
import { notebookPlugin } from './notebook/plugin';
import { panelPlugin } from './panel/plugin';
import { modelPlugin } from './plugins';
import { renderingPlugin } from './rendering/plugin';

export { IMlnbModel } from './tokens';

export default [
  modelPlugin,
  panelPlugin,
  documentsPlugin,
  executedPlugin,
  renderingPlugin,
  notebookPlugin
];
