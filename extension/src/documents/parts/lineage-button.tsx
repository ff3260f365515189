/** A button that shows what a thing was made from, and what was made from it. */

import { Button } from '@jupyterlab/ui-components';
import React from 'react';

import { lineageIcon } from '../../icons';
import { usePanel } from '../../panel/context';
import { trans } from '../../translation';

export function LineageButton({
  kind,
  id
}: {
  kind: 'dataset' | 'run' | 'model' | 'endpoint';
  /** `flights@3`, a run's id, `delays@4`, an endpoint's name. */
  id: string;
}): JSX.Element {
  const { actions } = usePanel();
  return (
    <Button
      minimal
      small
      className="mlnb-Action"
      title={trans.__('Show what it was made from, and what was made from it')}
      onClick={() => actions.openDocument('lineage', `${kind}:${id}`)}
    >
      <lineageIcon.react tag="span" />
      {trans.__('Lineage')}
    </Button>
  );
}
