/** The name of another object, which opens its document. */

import React from 'react';

import { usePanel } from '../../panel/context';
import type { DocumentKind } from '../../tokens';

export function RefLink({
  kind,
  id,
  children
}: {
  kind: DocumentKind;
  id: string;
  /** What it is called, when that is not its id. */
  children?: React.ReactNode;
}): JSX.Element {
  const { actions } = usePanel();
  return (
    <button
      type="button"
      className="mlnb-Link"
      onClick={() => actions.openDocument(kind, id)}
    >
      {children ?? id}
    </button>
  );
}
