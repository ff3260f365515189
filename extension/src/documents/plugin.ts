/** The plugin that opens documents, and opens them again after a reload. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { Api } from '../api';
import { LabActions } from '../notebook';
import { trans } from '../translation';
import type { DocumentKind } from '../tokens';
import { CommandIDs, DOCUMENT_KINDS, IMlnbModel } from '../tokens';
import { KINDS } from './all';
import { DocumentContent } from './widget';

interface IOpened {
  kind: DocumentKind;
  id: string;
  folder: string;
}

const ARGUMENTS = {
  args: {
    type: 'object',
    required: ['kind', 'id'],
    properties: {
      kind: { type: 'string', enum: [...DOCUMENT_KINDS] },
      id: { type: 'string', description: 'Which run, dataset, model …' },
      folder: { type: 'string', description: 'Whose project is meant' }
    }
  }
} as const;

const PERFORM_ARGUMENTS = {
  args: {
    type: 'object',
    required: ['line'],
    properties: {
      line: { type: 'string', description: 'Such as %rollback delays' },
      folder: { type: 'string', description: 'Whose project is meant' },
      background: {
        type: 'boolean',
        description: 'Whether it is a background job in any case'
      },
      confirm: { type: 'string', description: 'What to ask before' }
    }
  }
} as const;

export const documentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlnb:documents',
  description: 'Opens runs, datasets, models … in the main area.',
  autoStart: true,
  requires: [IMlnbModel],
  optional: [ILayoutRestorer, INotebookTracker, IRenderMimeRegistry],
  activate: (
    app: JupyterFrontEnd,
    model: IMlnbModel,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    rendermime: IRenderMimeRegistry | null
  ): void => {
    const tracker = new WidgetTracker<MainAreaWidget<DocumentContent>>({
      namespace: 'mlnb-documents'
    });
    const opened = new WeakMap<MainAreaWidget<DocumentContent>, IOpened>();
    const api = new Api(app.serviceManager.serverSettings);
    const make = (asked: IOpened): MainAreaWidget<DocumentContent> => {
      const actions = new LabActions(
        app.commands,
        notebooks,
        () => asked.folder,
        api,
        model
      );
      const content = new DocumentContent(KINDS[asked.kind], asked.id, {
        api,
        model,
        actions,
        rendermime,
        folder: asked.folder
      });
      const widget = new MainAreaWidget({ content });
      widget.id = widgetId(asked);
      widget.toolbar.hide();
      opened.set(widget, asked);
      return widget;
    };
    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('mlnb: Open document'),
      describedBy: ARGUMENTS,
      execute: async args => {
        const asked = read(args, model);
        const id = widgetId(asked);
        let widget = tracker.find(found => found.id === id);
        if (!widget) {
          widget = make(asked);
          await tracker.add(widget);
        }
        if (!widget.isAttached) {
          app.shell.add(widget, 'main', { type: 'mlnb' });
        }
        app.shell.activateById(widget.id);
        return widget;
      }
    });
    app.commands.addCommand(CommandIDs.perform, {
      label: trans.__('mlnb: Do what a line says'),
      describedBy: PERFORM_ARGUMENTS,
      execute: ({ line, folder, background, confirm }) => {
        const where = typeof folder === 'string' ? folder : model.folder;
        new LabActions(
          app.commands,
          notebooks,
          () => where,
          api,
          model
        ).perform(typeof line === 'string' ? line : '', {
          background: background === true,
          confirm: typeof confirm === 'string' ? confirm : undefined
        });
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.open,
      args: widget => ({ ...opened.get(widget) }),
      name: widget => widget.id
    });
  }
};

function read(args: ReadonlyPartialJSONObject, model: IMlnbModel): IOpened {
  const { kind, id, folder } = args;
  const known = DOCUMENT_KINDS.includes(kind as DocumentKind);
  if (!known || typeof id !== 'string' || !id) {
    throw new Error(trans.__('Say which kind of document, and which one.'));
  }
  return {
    kind: kind as DocumentKind,
    id: String(id),
    folder: typeof folder === 'string' ? folder : model.folder
  };
}

function widgetId({ kind, id, folder }: IOpened): string {
  return ['mlnb', kind, folder, id].map(encodeURIComponent).join(':');
}
