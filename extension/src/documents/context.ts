/** What every part of a document may need, without handing it through. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { createContext, useContext } from 'react';

import type { IApi } from '../api';
import type { IActions } from '../notebook';
import type { Place } from '../records';
import type { DocumentKind, IMlnbModel } from '../tokens';

export interface IDocumentContext {
  api: IApi;
  model: IMlnbModel;
  actions: IActions;
  /** What renders Markdown and other stored results; null where there is none. */
  rendermime: IRenderMimeRegistry | null;
  /** Folder of the file browser whose project the document belongs to. */
  folder: string;
  project: Place;
  /** Whether anybody looks; nothing is fetched while nobody does. */
  visible: boolean;
  /** Open another document of the same project. */
  open: (kind: DocumentKind, id: string) => void;
  /** Say what the document's tab is called. */
  setTitle: (title: string) => void;
}

export const DocumentContext = createContext<IDocumentContext | null>(null);

export function useDocument(): IDocumentContext {
  const context = useContext(DocumentContext);
  if (!context) {
    throw new Error('This part only works inside a document.');
  }
  return context;
}
