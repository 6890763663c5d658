use sea_orm::{ConnectionTrait, Database, Statement};

/// Asks a database something that no backend is asked, over a connection of its own: the one text that the query
/// answers.
///
/// # Panics
/// If it cannot be asked, or answers something else.
pub async fn ask(url: &str, query: &str) -> String {
    let connection = Database::connect(url).await.unwrap();
    let query = Statement::from_string(connection.get_database_backend(), query);
    let row = connection.query_one_raw(query).await.unwrap().unwrap();
    let answer = row.try_get_by_index(0).unwrap();
    connection.close().await.unwrap();
    answer
}
