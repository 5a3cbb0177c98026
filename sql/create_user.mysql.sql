-- Create the database and its user. Run this once, as an administrator of the MySQL or MariaDB server:
--   mysql -u root -p < sql/create_user.mysql.sql
-- First replace CHANGE_ME with a password and, if possible, '%' with the host that the program runs on.
-- Then start the program with
--   CHARRNN_DATABASE_URL=mysql://charrnn:CHANGE_ME@SERVER:3306/rnn_generator
-- or with MYSQL_HOST, MYSQL_USER=charrnn, MYSQL_PASSWORD and MYSQL_DATABASE=rnn_generator.

CREATE DATABASE IF NOT EXISTS rnn_generator CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE USER IF NOT EXISTS 'charrnn'@'%' IDENTIFIED BY 'CHANGE_ME';

-- The first four privileges are needed to use the tables, the others to create and upgrade them.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON rnn_generator.* TO 'charrnn'@'%';
