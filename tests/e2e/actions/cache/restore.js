const fs = require('fs');
const path = require('path');

const input = name => (process.env[`INPUT_${name.toUpperCase()}`] || '').trim();
const caches = process.env.CACHES;
fs.mkdirSync(caches, { recursive: true });
const saved = fs.readdirSync(caches)
  .map(name => ({ name, time: fs.statSync(path.join(caches, name)).mtimeMs }))
  .sort((a, b) => b.time - a.time);
const wanted = [input('key'), ...input('restore-keys').split('\n').map(key => key.trim()).filter(Boolean)];
const found = wanted.map(key => saved.find(item => item.name.startsWith(key))).find(Boolean);
if (found) {
  const target = path.resolve(process.env.GITHUB_WORKSPACE || '.', input('path'));
  fs.cpSync(path.join(caches, found.name), target, { recursive: true });
}
console.log(found ? `Cache restored from key: ${found.name}` : 'Cache not found');
