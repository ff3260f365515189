/** mlnb in JupyterLab: the list of plugins. */

import { modelPlugin, panelPlugin } from './plugins';

export { IMlnbModel } from './tokens';

export default [modelPlugin, panelPlugin];
