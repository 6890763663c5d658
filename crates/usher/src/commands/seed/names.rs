//! Names to make people of, as they are typed in ASCII and as they are written.

/// People who write alike.
pub(super) struct Culture {
    pub(super) given: [Name; 8],
    pub(super) family: [Name; 8],
    /// How the two make a full name.
    pub(super) order: Order,
}

/// In ASCII lower case, and in its own script.
pub(super) type Name = (&'static str, &'static str);

/// How a full name is put together.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// As in Ada Lovelace.
    GivenFirst,
    /// As in 王小明, without a space.
    FamilyFirst,
}

use Order::{FamilyFirst, GivenFirst};

/// Each is as likely as the next.
pub(super) const CULTURES: [Culture; 10] = [
    Culture {
        given: [
            ("emma", "Emma"),
            ("james", "James"),
            ("olivia", "Olivia"),
            ("liam", "Liam"),
            ("sophie", "Sophie"),
            ("oliver", "Oliver"),
            ("grace", "Grace"),
            ("henry", "Henry"),
        ],
        family: [
            ("smith", "Smith"),
            ("obrien", "O'Brien"),
            ("taylor", "Taylor"),
            ("wilson", "Wilson"),
            ("davies", "Davies"),
            ("campbell", "Campbell"),
            ("kellyward", "Kelly-Ward"),
            ("young", "Young"),
        ],
        order: GivenFirst,
    },
    Culture {
        given: [
            ("juergen", "Jürgen"),
            ("anna", "Anna"),
            ("bjoern", "Björn"),
            ("zoe", "Zoë"),
            ("lukas", "Lukas"),
            ("francois", "François"),
            ("ines", "Inês"),
            ("jose", "José"),
        ],
        family: [
            ("mueller", "Müller"),
            ("schmidt", "Schmidt"),
            ("lefevre", "Lefèvre"),
            ("garcia", "García"),
            ("nunez", "Núñez"),
            ("oezdemir", "Özdemir"),
            ("novak", "Novák"),
            ("soerensen", "Sørensen"),
        ],
        order: GivenFirst,
    },
    Culture {
        given: [
            ("xiaoming", "小明"),
            ("li", "丽"),
            ("wei", "伟"),
            ("fang", "芳"),
            ("jing", "静"),
            ("lei", "磊"),
            ("yan", "艳"),
            ("jun", "军"),
        ],
        family: [
            ("wang", "王"),
            ("zhang", "张"),
            ("liu", "刘"),
            ("chen", "陈"),
            ("yang", "杨"),
            ("zhao", "赵"),
            ("huang", "黄"),
            ("ouyang", "欧阳"),
        ],
        order: FamilyFirst,
    },
    Culture {
        given: [
            ("aarav", "आरव"),
            ("priya", "प्रिया"),
            ("vivaan", "विवान"),
            ("ananya", "अनन्या"),
            ("rohan", "रोहन"),
            ("kavita", "कविता"),
            ("arjun", "अर्जुन"),
            ("meera", "मीरा"),
        ],
        family: [
            ("sharma", "शर्मा"),
            ("patel", "पटेल"),
            ("singh", "सिंह"),
            ("gupta", "गुप्ता"),
            ("verma", "वर्मा"),
            ("joshi", "जोशी"),
            ("mehta", "मेहता"),
            ("rao", "राव"),
        ],
        order: GivenFirst,
    },
    Culture {
        given: [
            ("maria", "Мария"),
            ("ivan", "Иван"),
            ("olena", "Олена"),
            ("dmitri", "Дмитрий"),
            ("svitlana", "Світлана"),
            ("pavel", "Павел"),
            ("natalia", "Наталия"),
            ("boris", "Борис"),
        ],
        family: [
            ("shevchenko", "Шевченко"),
            ("ivanenko", "Іваненко"),
            ("petrov", "Петров"),
            ("kovalenko", "Коваленко"),
            ("dimitrov", "Димитров"),
            ("bondar", "Бондар"),
            ("sokolova", "Соколова"),
            ("jovanovic", "Јовановић"),
        ],
        order: GivenFirst,
    },
    Culture {
        given: [
            ("mohamed", "محمد"),
            ("fatima", "فاطمة"),
            ("ahmed", "أحمد"),
            ("layla", "ليلى"),
            ("omar", "عمر"),
            ("maryam", "مريم"),
            ("yusuf", "يوسف"),
            ("noor", "نور"),
        ],
        family: [
            ("hassan", "حسن"),
            ("khalil", "خليل"),
            ("mansour", "منصور"),
            ("saleh", "صالح"),
            ("nasser", "ناصر"),
            ("haddad", "حداد"),
            ("najjar", "نجار"),
            ("karimi", "کریمی"),
        ],
        order: GivenFirst,
    },
    Culture {
        given: [
            ("haruto", "陽翔"),
            ("yui", "結衣"),
            ("sakura", "さくら"),
            ("ren", "蓮"),
            ("aoi", "葵"),
            ("kaito", "海斗"),
            ("emi", "エミ"),
            ("sora", "そら"),
        ],
        family: [
            ("sato", "佐藤"),
            ("suzuki", "鈴木"),
            ("takahashi", "高橋"),
            ("tanaka", "田中"),
            ("ito", "伊藤"),
            ("watanabe", "渡辺"),
            ("yamamoto", "山本"),
            ("nakamura", "中村"),
        ],
        order: FamilyFirst,
    },
    Culture {
        given: [
            ("minjun", "민준"),
            ("seoyeon", "서연"),
            ("jiho", "지호"),
            ("hayoon", "하윤"),
            ("dohyun", "도현"),
            ("sua", "수아"),
            ("yejun", "예준"),
            ("jiwoo", "지우"),
        ],
        family: [
            ("kim", "김"),
            ("lee", "이"),
            ("park", "박"),
            ("choi", "최"),
            ("jung", "정"),
            ("kang", "강"),
            ("cho", "조"),
            ("yoon", "윤"),
        ],
        order: FamilyFirst,
    },
    Culture {
        given: [
            ("giorgos", "Γιώργος"),
            ("eleni", "Ελένη"),
            ("nikos", "Νίκος"),
            ("katerina", "Κατερίνα"),
            ("dimitra", "Δήμητρα"),
            ("kostas", "Κώστας"),
            ("sofia", "Σοφία"),
            ("yannis", "Γιάννης"),
        ],
        family: [
            ("papadopoulos", "Παπαδόπουλος"),
            ("georgiou", "Γεωργίου"),
            ("nikolaidis", "Νικολαΐδης"),
            ("ioannou", "Ιωάννου"),
            ("vlachos", "Βλάχος"),
            ("oikonomou", "Οικονόμου"),
            ("antoniou", "Αντωνίου"),
            ("makris", "Μακρής"),
        ],
        order: GivenFirst,
    },
    Culture {
        given: [
            ("noa", "נועה"),
            ("david", "דוד"),
            ("tamar", "תמר"),
            ("yosef", "יוסף"),
            ("maya", "מאיה"),
            ("ariel", "אריאל"),
            ("shira", "שירה"),
            ("eitan", "איתן"),
        ],
        family: [
            ("cohen", "כהן"),
            ("levi", "לוי"),
            ("mizrahi", "מזרחי"),
            ("peretz", "פרץ"),
            ("biton", "ביטון"),
            ("friedman", "פרידמן"),
            ("katz", "כץ"),
            ("shapira", "שפירא"),
        ],
        order: GivenFirst,
    },
];
