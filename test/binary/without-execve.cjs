// Makes a runtime one that cannot become another program, as Node before 22.15 is.
delete process.execve;
