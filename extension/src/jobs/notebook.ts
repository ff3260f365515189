/** Runs lines of the grammar in the notebook in use, where it can take them. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import { PathExt } from '@jupyterlab/coreutils';

import type { IApi } from '../api';

/** Milliseconds that a kernel has to say whether it knows mlnb. */
const PATIENCE = 1500;

/**
 * The notebook that can run a line for a project at once: in use, of that project, and idle.
 *
 * @param folder - A folder of the project.
 */
export async function notebookFor(
  folder: string,
  notebooks: INotebookTracker | null,
  api: IApi
): Promise<NotebookPanel | null> {
  const panel = notebooks?.currentWidget;
  if (!panel || !panel.isAttached) {
    return null;
  }
  const kernel = panel.sessionContext.session?.kernel;
  const python = panel.content.model?.defaultKernelLanguage === 'python';
  if (kernel?.status !== 'idle' || !python) {
    return null;
  }
  const own = PathExt.dirname(panel.context.localPath);
  if (own !== folder) {
    const places = await Promise.all(
      [own, folder].map(where => api.ask('GET /project', { folder: where }))
    );
    const [here, there] = places.map(place => JSON.stringify(place));
    if (here !== there) {
      return null;
    }
  }
  return panel;
}

/** Put a line into a new cell below the one in use, and run it. */
export async function runInNotebook(
  line: string,
  panel: NotebookPanel
): Promise<void> {
  const known = await knowsMlnb(panel);
  const notebook = panel.content;
  if (notebook.activeCell?.model.sharedModel.getSource().trim()) {
    NotebookActions.insertBelow(notebook);
  }
  NotebookActions.changeCellType(notebook, 'code');
  const code = known ? line : `%load_ext mlnb\n${line}`;
  notebook.activeCell?.model.sharedModel.setSource(code);
  panel.activate();
  await NotebookActions.run(notebook, panel.sessionContext);
}

/** Whether the kernel has mlnb's magics; asked without leaving a trace. */
async function knowsMlnb(panel: NotebookPanel): Promise<boolean> {
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel) {
    return false;
  }
  const asked = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: {
      mlnb: "'mlnb' in get_ipython().extension_manager.loaded"
    }
  });
  const late = new Promise<null>(resolve =>
    window.setTimeout(() => resolve(null), PATIENCE)
  );
  const reply = await Promise.race([asked.done, late]);
  const content = reply?.content as
    | { user_expressions?: { mlnb?: { data?: { [type: string]: string } } } }
    | undefined;
  return content?.user_expressions?.mlnb?.data?.['text/plain'] === 'True';
}
