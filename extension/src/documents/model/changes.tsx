/** Who moved which alias, when and why. */

import React from 'react';

import { Ago } from '../../panel/parts';
import type { AliasChange, Release } from '../../records';
import { trans } from '../../translation';
import { Card } from '../parts/frame';
import { RefLink } from '../parts/ref-link';

export function Changes({
  changes
}: {
  changes: AliasChange[];
}): JSX.Element | null {
  if (!changes.length) {
    return null;
  }
  return (
    <Card wide title={trans.__('History of the aliases')}>
      <ol className="mlnb-History">
        {changes.map((change, at) => (
          <li key={at}>
            <span className="mlnb-History-what">
              {change.action === 'promote'
                ? trans.__('%1 → v%2', change.alias, change.number)
                : trans.__('%1 back to v%2', change.alias, change.number)}
              {change.previous !== null && (
                <span className="mlnb-Faint">
                  {' '}
                  {trans.__('before: v%1', change.previous)}
                </span>
              )}
            </span>
            <span className="mlnb-History-why">{change.reason}</span>
            <span className="mlnb-Faint">
              {change.author} · <Ago time={change.created} />
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

/** What was released where, of one version. */
export function Releases({
  releases
}: {
  releases: Release[];
}): JSX.Element | null {
  if (!releases.length) {
    return null;
  }
  return (
    <Card title={trans.__('Releases')}>
      <ol className="mlnb-History">
        {releases.map(release => (
          <li key={`${release.endpoint} ${release.number}`}>
            <span className="mlnb-History-what">
              <RefLink kind="endpoint" id={release.endpoint} />{' '}
              <span className="mlnb-Faint">{release.action}</span>
            </span>
            <span className="mlnb-History-why">{release.reason}</span>
            <span className="mlnb-Faint">
              {release.author} · <Ago time={release.created} />
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}
