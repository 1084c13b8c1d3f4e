console.log('booted', process.argv.slice(2), Bun.version);
