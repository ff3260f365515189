const fs = require('fs');
const path = require('path');

const from = path.resolve(process.env.GITHUB_WORKSPACE || '.', process.env.INPUT_PATH.trim());
const to = path.join(process.env.CACHES, process.env.INPUT_KEY.trim());
if (fs.existsSync(from) && !fs.existsSync(to)) {
  fs.cpSync(from, `${to}.part`, { recursive: true });
  fs.renameSync(`${to}.part`, to);
  console.log(`Cache saved with key: ${process.env.INPUT_KEY}`);
}
