-- Run once by hand, as an administrator of the MySQL or MariaDB server:  mysql -u root -p < sql/create_user.mysql.sql
-- Put a password of your own in place of CHANGE_ME first, and the program's machine in place of '%' if you can.
-- Then start the program with
--   CHARRNN_DATABASE_URL=mysql://charrnn:CHANGE_ME@SERVER:3306/rnn_generator
-- or with MYSQL_HOST, MYSQL_USER=charrnn, MYSQL_PASSWORD and MYSQL_DATABASE=rnn_generator.

CREATE DATABASE IF NOT EXISTS rnn_generator CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE USER IF NOT EXISTS 'charrnn'@'%' IDENTIFIED BY 'CHANGE_ME';

-- The first four rights are for daily work, the others for creating and upgrading the tables.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON rnn_generator.* TO 'charrnn'@'%';
