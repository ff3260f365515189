/** Every word of the query must begin or be inside some word of the record. */
export function matches(query: string, words: string[]): boolean {
  const text = words.join('\n').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word));
}
