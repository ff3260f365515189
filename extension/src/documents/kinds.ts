/** The kinds of documents; each has a folder of its own. */

import type { LabIcon } from '@jupyterlab/ui-components';
import type React from 'react';

import type { DocumentKind } from '../tokens';

export interface IDocumentKind {
  kind: DocumentKind;
  icon: LabIcon;
  /** What the tab is called before the document says so itself. */
  title(id: string): string;
  Component: React.ComponentType<{ id: string }>;
}
