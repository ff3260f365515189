/** The plugin of the model, which all others share. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { MlnbModel } from './model';
import type { Change } from './records';
import { CHANGE_SCHEMA, IMlnbModel } from './tokens';
import { translateWith } from './translation';

export const modelPlugin: JupyterFrontEndPlugin<IMlnbModel> = {
  id: 'mlnb:model',
  description: 'Keeps what the mlnb project holds up to date.',
  autoStart: true,
  provides: IMlnbModel,
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null
  ): IMlnbModel => {
    translateWith(translator);
    const { events, serverSettings } = app.serviceManager;
    const model = new MlnbModel(new Api(serverSettings));
    events.stream.connect((_, emission) => {
      if (emission.schema_id === CHANGE_SCHEMA) {
        model.receive(emission as unknown as Change);
      }
    });
    return model;
  }
};
