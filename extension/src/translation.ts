/** The words of the panel in the language that JupyterLab speaks. */

import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';

const DOMAIN = 'mlnb';

/** Every text that a person reads goes through this: `trans.__('Step %1', name)`. */
export let trans: TranslationBundle = nullTranslator.load(DOMAIN);

/** Speak the language of a translator from now on. */
export function translateWith(translator: ITranslator | null): void {
  trans = (translator ?? nullTranslator).load(DOMAIN);
}
